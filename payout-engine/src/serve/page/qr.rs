//! QR codes as SVG, for a phone that is to open a link which stands on a screen.
//!
//! Always dark on light with the quiet zone that readers need, also in a dark page.

use qrcode::{Color, EcLevel, QrCode};

/// Modules of nothing around the code.
const QUIET: usize = 4;

/// The code of a text; `None` where the text is too long for one.
pub(super) fn svg(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (at, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let (x, y) = (at % width + QUIET, at / width + QUIET);
            path.push_str(&format!("M{x} {y}h1v1h-1z"));
        }
    }
    let side = width + 2 * QUIET;
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" \
         shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{side}v{side}h-{side}z\"/>\
         <path d=\"{path}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_quiet_zone_and_its_finders() {
        let svg = svg("https://pay.example.com/otp/1").unwrap();
        assert!(svg.contains("M4 4h1v1h-1z"), "the upper left finder begins behind the quiet zone");
        assert!(!svg.contains("M3 4h1"), "nothing stands in the quiet zone");
    }

    #[test]
    fn what_does_not_fit_is_no_code() {
        assert_eq!(svg(&"x".repeat(5_000)), None);
    }
}
