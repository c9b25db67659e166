//! The picture of the sweep: an SVG that is read on light and on dark paper, and by whoever hears
//! it.

use std::fmt::Write as _;

use super::number::Number;
use super::sweep::{Point, Sweep};

/// Where the lines are drawn.
const LEFT: u64 = 70;
const RIGHT: u64 = 690;
const TOP: u64 = 50;
const BOTTOM: u64 = 350;

/// The height of a label.
const LABEL: u64 = 16;

/// A class a line, told apart by more than its colour.
const STYLE: &str = "\
text { font: 13px sans-serif; fill: currentColor }
svg { color: #222 }
.axis { stroke: currentColor; stroke-opacity: .25 }
.line { fill: none; stroke-width: 2.5 }
.bound { fill: none; stroke-width: 1.5; stroke-dasharray: 3 4; stroke-opacity: .7 }
.a { stroke: #0b62a8 } .b { stroke: #b3470b } .c { stroke: #2f7d32 }
.fill-a { fill: #0b62a8 } .fill-b { fill: #b3470b } .fill-c { fill: #2f7d32 }
@media (prefers-color-scheme: dark) {
svg { color: #ddd }
.a { stroke: #6cb6f5 } .b { stroke: #f59a5a } .c { stroke: #7fcb82 }
.fill-a { fill: #6cb6f5 } .fill-b { fill: #f59a5a } .fill-c { fill: #7fcb82 }
}
";

const CLASSES: [&str; 3] = ["a", "b", "c"];

/// Draws the sweep.
pub(super) fn draw(sweep: &Sweep) -> String {
    let points = || sweep.0.values().flatten();
    let steps: Vec<usize> = {
        let mut steps: Vec<_> = points().map(|point| point.in_flight).collect();
        steps.sort_unstable();
        steps.dedup();
        steps
    };
    let most = points().map(|point| point.rate.max(point.bound).floor()).max().unwrap_or(0);
    let scale = Scale { steps, most: round_up(most) };

    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 800 400\" role=\"img\" \
         aria-labelledby=\"title desc\">\n<title id=\"title\">Payouts a second by calls in flight\
         </title>\n<desc id=\"desc\">{}</desc>\n<style>\n{STYLE}</style>\n",
        described(sweep)
    );
    scale.axes(&mut svg);
    for (line, class) in sweep.0.values().zip(CLASSES) {
        let (rates, bounds) = (line.iter().map(|it| it.rate), line.iter().map(|it| it.bound));
        let _ = writeln!(
            svg,
            "<polyline class=\"bound {class}\" points=\"{}\"/>\n\
             <polyline class=\"line {class}\" points=\"{}\"/>",
            scale.path(line, bounds),
            scale.path(line, rates)
        );
        for point in line {
            let (x, y) = (scale.x(point.in_flight), scale.y(point.rate.floor()));
            let _ =
                writeln!(svg, "<circle class=\"fill-{class}\" cx=\"{x}\" cy=\"{y}\" r=\"3.5\"/>");
        }
    }
    let ends = sweep.0.iter().filter_map(|(delay, line)| {
        let last = line.last()?;
        Some((scale.y(last.rate.floor()), *delay))
    });
    for (y, delay) in apart(ends.collect()) {
        let _ = writeln!(svg, "<text x=\"{}\" y=\"{}\">{delay} ms</text>", RIGHT + 10, y + 4);
    }
    svg.push_str("</svg>\n");
    svg
}

/// Moves labels that would stand on each other upwards, the lowest one first.
fn apart(mut labels: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    labels.sort_unstable_by(|a, b| b.cmp(a));
    let mut below = u64::MAX;
    for (y, _) in &mut labels {
        *y = (*y).min(below.saturating_sub(LABEL));
        below = *y;
    }
    labels
}

/// The same in words.
fn described(sweep: &Sweep) -> String {
    let mut text =
        "Solid lines are what was measured, dashed ones what no run can exceed.".to_owned();
    for (delay, line) in &sweep.0 {
        let best = line.iter().max_by_key(|point| point.rate);
        if let Some(Point { in_flight, rate, bound }) = best {
            let _ = write!(
                text,
                " With {delay} ms of latency at most {rate} payouts a second, with {} in flight, \
                 where {bound} are possible.",
                Number::whole(*in_flight as u64)
            );
        }
    }
    text
}

/// From figures to places.
struct Scale {
    /// Calls in flight, each as far from the next one.
    steps: Vec<usize>,
    /// Payouts a second at the top.
    most: u64,
}

impl Scale {
    fn x(&self, in_flight: usize) -> u64 {
        let at = self.steps.iter().position(|&step| step == in_flight).unwrap_or(0) as u64;
        let gaps = (self.steps.len() as u64).saturating_sub(1).max(1);
        LEFT + (RIGHT - LEFT) * at / gaps
    }

    fn y(&self, rate: u64) -> u64 {
        BOTTOM - (BOTTOM - TOP) * rate.min(self.most) / self.most.max(1)
    }

    fn path(&self, line: &[Point], values: impl Iterator<Item = Number>) -> String {
        let places: Vec<_> = line
            .iter()
            .zip(values)
            .map(|(point, value)| format!("{},{}", self.x(point.in_flight), self.y(value.floor())))
            .collect();
        places.join(" ")
    }

    fn axes(&self, svg: &mut String) {
        for part in 0..=4 {
            let rate = self.most * part / 4;
            let y = self.y(rate);
            let (label, shown) = (y + 4, Number::whole(rate));
            let _ = writeln!(
                svg,
                "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y}\" y2=\"{y}\"/>\n\
                 <text x=\"60\" y=\"{label}\" text-anchor=\"end\">{shown}</text>"
            );
        }
        for &step in &self.steps {
            let (x, shown) = (self.x(step), Number::whole(step as u64));
            let _ =
                writeln!(svg, "<text x=\"{x}\" y=\"370\" text-anchor=\"middle\">{shown}</text>");
        }
        svg.push_str(
            "<text x=\"70\" y=\"25\">payouts/s (dashed: what is possible)</text>\n\
             <text x=\"380\" y=\"392\" text-anchor=\"middle\">calls in flight</text>\n",
        );
    }
}

/// The next number that is divided by four into round ones.
fn round_up(most: u64) -> u64 {
    let step = [100, 400, 1_000, 2_000, 4_000].into_iter().find(|step| most <= step * 10);
    most.max(1).next_multiple_of(step.unwrap_or(8_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sweep() -> Sweep {
        let point = |in_flight, rate, bound| Point {
            in_flight,
            rate: Number::whole(rate),
            bound: Number::whole(bound),
        };
        let zero = vec![point(16, 3_000, 8_000), point(2_048, 6_000, 10_000)];
        let late = vec![point(16, 100, 106), point(2_048, 3_300, 3_413)];
        Sweep([(0, zero), (200, late)].into_iter().collect())
    }

    #[test]
    fn points_are_where_their_figures_say() {
        let svg = draw(&sweep());
        // 10,000 is at the top, 0 at the bottom; 16 is left, 2,048 right.
        assert!(svg.contains("<polyline class=\"bound a\" points=\"70,110 690,50\"/>"), "{svg}");
        assert!(svg.contains("<polyline class=\"line a\" points=\"70,260 690,170\"/>"), "{svg}");
        assert!(svg.contains("<text x=\"700\" y=\"255\">200 ms</text>"), "{svg}");
        assert!(svg.contains(">2,048</text>"), "{svg}");
    }

    #[test]
    fn it_is_told_in_words_and_has_both_colours() {
        let svg = draw(&sweep());
        assert!(svg.contains("at most 6,000 payouts a second, with 2,048 in flight"), "{svg}");
        assert!(svg.contains("role=\"img\"") && svg.contains("prefers-color-scheme: dark"));
        assert!(svg.ends_with("</svg>\n"));
        // Whatever was not measured is no picture, and no panic.
        assert!(draw(&Sweep::default()).contains("</svg>"));
    }

    #[test]
    fn labels_do_not_stand_on_each_other() {
        let labels = vec![(300, 0), (310, 50), (100, 7), (312, 200)];
        assert_eq!(apart(labels), [(312, 200), (296, 50), (280, 0), (100, 7)]);
    }

    #[test]
    fn the_top_is_a_round_number() {
        assert_eq!([round_up(0), round_up(950), round_up(9_700)], [100, 1_000, 10_000]);
        assert_eq!(round_up(90_000), 96_000);
    }
}
