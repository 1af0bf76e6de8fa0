"""JSON and YAML from outside, read into plain values."""

import json
from pathlib import Path
from typing import Any

import yaml

from base.errors import UserError

#: Bytes of YAML, which takes ten seconds a MiB to read: what is longer is another file.
_MOST_YAML = 1 << 20


class YamlLoader(yaml.SafeLoader):
    """Plain YAML, in which a key for the second time is a fault: a value would be lost."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        seen = set()
        for key, _ in node.value:
            if str(key.value) in seen:
                problem = f"the key {key.value!r:.80} for the second time"
                raise yaml.constructor.ConstructorError(
                    problem=problem, problem_mark=key.start_mark
                )
            seen.add(str(key.value))
        super().flatten_mapping(node)


def decode_text(data: bytes, errors: str = "strict") -> str:
    """The text of a file in UTF-8 or UTF-16; ``errors`` as of bytes.decode; UnicodeDecodeError for
    what holds a byte 0 in UTF-8, which is no text."""
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    if b"\0" in data and not wide:
        raise UnicodeDecodeError("utf-8", data, 0, 1, "holds a byte 0")
    return data.decode("utf-16" if wide else "utf-8-sig", errors)


def parse_json(data: bytes | str) -> Any:
    """The values of a JSON document; UserError, without a file's name, for what is none."""
    try:
        return json.loads(data if isinstance(data, str) else decode_text(data))
    except (ValueError, RecursionError) as error:
        line = f" in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise UserError(f"not valid JSON{line}") from None


def parse_yaml(data: bytes | str, loader: type[yaml.SafeLoader] = YamlLoader) -> list[Any]:
    """The values of each document in a YAML file; UserError as :func:`parse_json`."""
    if len(data) > _MOST_YAML:
        raise UserError(f"larger than {_MOST_YAML >> 20} MiB, which no YAML of ours is")
    try:
        text = data if isinstance(data, str) else decode_text(data)
        return list(yaml.load_all(text, loader))
    except UnicodeDecodeError:
        raise UserError("not a text in UTF-8 or UTF-16") from None
    except (yaml.YAMLError, ValueError, LookupError, RecursionError) as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        line = f" in line {mark.line + 1}" if mark else ""
        raise UserError(f"not valid YAML{line}: {problem or 'a value that cannot be'}") from None


def read_document(path: Path, what: str = "") -> Any:
    """The content of a JSON file, or with another suffix the one document of a YAML file; UserError
    beginning with ``what``, by default the path, for a file that cannot be read."""
    try:
        data = Path(path).read_bytes()
        if Path(path).suffix.lower() == ".json":
            return parse_json(data)
        documents = parse_yaml(data)
        if len(documents) > 1:
            raise UserError(f"holds {len(documents)} documents")
        return documents[0] if documents else None
    except (OSError, UserError) as error:
        fault = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"{what or path}: {fault}") from None
