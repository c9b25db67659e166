"""Checks spec/openapi.json with tools that are not ours.

It is a valid OpenAPI 3.1 document; every sample validates against the schema of its service, found
through the document alone; and every field of every table of the gateway's documentation is in the
schema where it belongs. `cargo xtask test` runs this.
"""

import json
import sys
from pathlib import Path

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

SPEC = Path(__file__).resolve().parent.parent
DOCUMENT = json.loads((SPEC / "openapi.json").read_text(encoding="utf-8"))
SCHEMAS = DOCUMENT["components"]["schemas"]

# What a table calls a field although the sample beside it shows that nothing is called so: the
# table names the objects in the list, or the object that `data` is.
NOT_A_KEY = {
    ("webpay.acquire.getUserUnderMerchant", "user_info"),
    ("webpay.acquire.confirmKioskOrder", "order_info"),
}


def services():
    """The schema of the request of each service, by the name on the wire."""
    operations = [item["post"] for item in DOCUMENT["paths"].values()]
    mapping = {}
    for operation in operations:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        for service, pointer in schema.get("discriminator", {}).get("mapping", {}).items():
            mapping[service] = resolve({"$ref": pointer})
    return mapping


def resolve(schema):
    """The schema itself, where it only refers to one."""
    while "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].rsplit("/", 1)[1]]
    return schema


def errors(schema, instance):
    """What is wrong with the instance, in one line each."""
    whole = {"$ref": "#/s", "s": schema, "components": DOCUMENT["components"]}
    found = Draft202012Validator(whole).iter_errors(instance)
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in found]


def check_document(problems):
    for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors():
        problems.append(f"openapi.json: {error.message[:300]}")


def check_samples(problems):
    """Each sample against its schema, and against what the path as a whole takes and answers."""
    by_operation = {}
    paths = {item["post"]["operationId"]: item["post"] for item in DOCUMENT["paths"].values()}
    for schema in SCHEMAS.values():
        if "x-operation" in schema:
            by_operation[schema["x-operation"]] = schema
    count = 0
    for path in sorted((SPEC / "examples").rglob("*.json")):
        operation, *_, side, _ = path.name.split(".")
        sample = json.loads(path.read_text(encoding="utf-8"))
        if side == "error":
            found = check_error(sample)
        else:
            schema = by_operation[operation]
            path_item = paths.get(operation, paths["gateway"])
            if side == "request":
                own, media = schema, path_item["requestBody"]["content"]
            else:
                own, media = resolve(schema["x-reply"]), path_item["responses"]["200"]["content"]
            found = errors(own, sample) + errors(media["application/json"]["schema"], sample)
        problems.extend(f"{path.relative_to(SPEC)}: {problem}" for problem in found)
        count += 1
    return count


def check_error(sample):
    """An error in JSON is a Failure; a body that is an object and says success is none."""
    body = sample["body"]
    return errors(SCHEMAS["Failure"], body) if isinstance(body, dict) else []


def members(schema, seen=None):
    """The names of all fields that a schema leads to."""
    seen = set() if seen is None else seen
    names = set()
    if "$ref" in schema:
        if schema["$ref"] in seen:
            return names
        seen.add(schema["$ref"])
        return members(resolve(schema), seen)
    for name, member in schema.get("properties", {}).items():
        names |= {name} | members(member, seen)
    for inner in schema.get("anyOf", []) + schema.get("oneOf", []):
        names |= members(inner, seen)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            names |= members(schema[key], seen)
    return names


def check_tables(problems):
    """Every field of every table is in the schema where it belongs."""
    by_service = services()
    by_title = {}
    for schema in SCHEMAS.values():
        by_title.setdefault(schema.get("title"), schema)
    received = {name: resolve(entry["schema"]) for name, entry in DOCUMENT["x-received"].items()}
    count = 0
    tables = json.loads((SPEC / "checks" / "documented-tables.json").read_text(encoding="utf-8"))
    for table in tables:
        if "object" in table:
            where = table["object"]
            schema = received.get(where) or by_title.get(where)
        elif "path" in table:
            where = table["path"]
            post = DOCUMENT["paths"][where]["post"]
            body = post["requestBody"] if table["side"] == "request" else post["responses"]["200"]
            schema = body["content"]["application/json"]["schema"]
        else:
            where = table["service"]
            schema = by_service.get(where)
            if schema is not None and table["side"] == "reply":
                schema = schema["x-reply"]
        if schema is None:
            problems.append(f"{where}: has no schema")
            continue
        known = members(schema)
        for field in table["fields"]:
            count += 1
            if field not in known and (where, field) not in NOT_A_KEY:
                problems.append(f"{where}: the documentation's table has `{field}`")
    return len(tables), count


def main():
    problems = []
    check_document(problems)
    samples = check_samples(problems)
    tables, fields = check_tables(problems)
    for problem in problems:
        print(problem)
    print(f"openapi.json: {samples} samples, {fields} fields of {tables} documented tables, "
          f"{len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
