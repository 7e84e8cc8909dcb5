# Holds a document of OpenAPI 3.1 against the official schema of such documents,
# each schema in it against the rules of JSON Schema, and follows its references.
# Prints what is wrong, a line each.
import json
import sys

from jsonschema import Draft202012Validator as Validator

with open(sys.argv[1]) as f:
    official = json.load(f)
document = json.load(sys.stdin)
for error in Validator(official).iter_errors(document):
    print("/".join(map(str, error.absolute_path)), error.message[:300])


def walk(value, place):
    if isinstance(value, list):
        for i, item in enumerate(value):
            walk(item, f"{place}/{i}")
        return
    if not isinstance(value, dict):
        return
    if isinstance(value.get("$ref"), str):
        found = document
        for step in value["$ref"].removeprefix("#/").split("/"):
            found = found.get(step) if isinstance(found, dict) else None
        if found is None:
            print(place, "leads nowhere:", value["$ref"])
    for name, item in value.items():
        if name == "schema" or place.endswith("/components/schemas"):
            for error in Validator(Validator.META_SCHEMA).iter_errors(item):
                print(f"{place}/{name}", error.message[:300])
        walk(item, f"{place}/{name}")


walk(document, "")
