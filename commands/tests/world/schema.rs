//! As much of JSON Schema as the registry uses: a keyword that is not known here is
//! a panic, so nothing goes unchecked in silence.

use serde_json::Value;

/// What of `value` breaks `schema`, if anything does.
pub(crate) fn violation(schema: &Value, value: &Value) -> Option<String> {
    let Some(schema) = schema.as_object() else {
        return (schema != &Value::Bool(true)).then(|| format!("{value} is not allowed"));
    };
    schema.iter().find_map(|(keyword, rule)| match keyword.as_str() {
        "title" | "description" | "default" => None,
        // What a format means is for the types that have it.
        "format" => None,
        "type" => {
            let kinds = rule.as_array().map_or(std::slice::from_ref(rule), Vec::as_slice);
            let fits = kinds.iter().any(|kind| is_of(kind.as_str().expect("a type"), value));
            (!fits).then(|| format!("{value} is no {rule}"))
        }
        "required" => {
            let object = value.as_object()?;
            let names = rule.as_array().expect("a list").iter().filter_map(Value::as_str);
            let missing = names.into_iter().find(|name| !object.contains_key(*name))?;
            Some(format!("{missing} is missing"))
        }
        "properties" => {
            let (rules, object) = (rule.as_object().expect("an object"), value.as_object()?);
            rules.iter().find_map(|(name, rule)| violation(rule, object.get(name)?))
        }
        "additionalProperties" => {
            let known = schema.get("properties").and_then(Value::as_object);
            let is_other = |name: &str| known.is_none_or(|known| !known.contains_key(name));
            let mut others = value.as_object()?.iter().filter(|(name, _)| is_other(name));
            others.find_map(|(name, value)| {
                violation(rule, value).map(|why| format!("{name}: {why}"))
            })
        }
        "items" => value.as_array()?.iter().find_map(|item| violation(rule, item)),
        "minLength" => {
            let short = (value.as_str()?.chars().count() as u64) < rule.as_u64().expect("a number");
            short.then(|| format!("{value} is too short"))
        }
        "maxLength" => {
            let long = value.as_str()?.chars().count() as u64 > rule.as_u64().expect("a number");
            long.then(|| format!("{value} is too long"))
        }
        "minimum" => (value.as_f64()? < rule.as_f64().expect("a number"))
            .then(|| format!("{value} is too small")),
        "maximum" => (value.as_f64()? > rule.as_f64().expect("a number"))
            .then(|| format!("{value} is too large")),
        "enum" => (!rule.as_array().expect("a list").contains(value))
            .then(|| format!("{value} is not in {rule}")),
        "const" => (rule != value).then(|| format!("{value} is not {rule}")),
        "anyOf" | "oneOf" => {
            let rules = rule.as_array().expect("a list");
            let fits = rules.iter().filter(|rule| violation(rule, value).is_none()).count();
            let enough = if keyword == "oneOf" { fits == 1 } else { fits > 0 };
            (!enough).then(|| format!("{value} fits {fits} of {keyword}"))
        }
        other => panic!("the check does not know the keyword {other}: {rule}"),
    })
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("there is no type {other}"),
    }
}
