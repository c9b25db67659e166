//! JSON that keeps the order in which it was put together, and samples exactly as they came.
//!
//! `serde_json` sorts keys and reads digits into binary numbers; a document for people wants the
//! order of the documentation's tables, and a sample of money wants its own digits. So values are
//! only ever written here, never calculated with.

use std::fmt::Write as _;

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Json {
    Flag(bool),
    Whole(i64),
    Text(String),
    /// JSON text that is valid already.
    Raw(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// An object with these members, in this order.
    pub(super) fn object<const N: usize>(members: [(&str, Json); N]) -> Self {
        Self::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// A list.
    pub(super) fn list(items: impl IntoIterator<Item = impl Into<Json>>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }

    /// A reference to a component: `{"$ref": "#/components/..."}`.
    pub(super) fn reference(pointer: &str) -> Self {
        Self::object([("$ref", pointer.into())])
    }

    /// The object with one more member at its end. Only objects have members.
    pub(super) fn with(mut self, key: &str, value: impl Into<Json>) -> Self {
        if let Self::Object(members) = &mut self {
            members.push((key.to_owned(), value.into()));
        }
        self
    }

    /// Like [`Json::with`], if there is a value.
    pub(super) fn with_some(self, key: &str, value: Option<impl Into<Json>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// Like [`Json::with`], unless the list is empty.
    pub(super) fn with_any<T: Into<Json>>(self, key: &str, items: Vec<T>) -> Self {
        if items.is_empty() { self } else { self.with(key, Self::list(items)) }
    }

    /// The text with two blanks of indentation and a newline at its end.
    pub(super) fn pretty(&self) -> String {
        let mut compact = String::new();
        self.write(&mut compact);
        let mut text = indented(&compact);
        text.push('\n');
        text
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Flag(flag) => {
                let _ = write!(out, "{flag}");
            }
            Self::Whole(number) => {
                let _ = write!(out, "{number}");
            }
            Self::Text(text) => write_text(out, text),
            Self::Raw(text) => out.push_str(text),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { "," });
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (index, (key, value)) in members.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { "," });
                    write_text(out, key);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

fn write_text(out: &mut String, text: &str) {
    let _ = write!(out, "{}", serde_json::Value::from(text));
}

/// JSON text, indented anew. Strings and digits stay as they are.
fn indented(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut chars = json.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                out.push(c);
                while let Some(inner) = chars.next() {
                    out.push(inner);
                    match inner {
                        '\\' => out.extend(chars.next()),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            '{' | '[' => {
                out.push(c);
                while chars.next_if(char::is_ascii_whitespace).is_some() {}
                if let Some(close) = chars.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(close);
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            c => out.push(c),
        }
    }
    out
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Json {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<bool> for Json {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<i64> for Json {
    fn from(number: i64) -> Self {
        Self::Whole(number)
    }
}

impl From<Vec<Json>> for Json {
    fn from(items: Vec<Json>) -> Self {
        Self::List(items)
    }
}

#[cfg(test)]
mod tests {
    use super::Json;

    #[test]
    fn order_digits_and_strings_stay_as_they_are() {
        let json = Json::object([
            ("b", Json::Raw(" {\"z\": 10.50,\"a\":[ ] , \"q\": \"{,\\\" :\" }\n".into())),
            ("a", Json::list([Json::from("ភាសា"), Json::Flag(true), Json::Whole(-1)])),
            ("empty", Json::object([])),
        ]);
        let expected = r#"{
  "b": {
    "z": 10.50,
    "a": [],
    "q": "{,\" :"
  },
  "a": [
    "ភាសា",
    true,
    -1
  ],
  "empty": {}
}
"#;
        assert_eq!(json.pretty(), expected);
    }
}
