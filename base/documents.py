"""JSON and YAML from outside, read within bounds into plain values: mappings, lists, texts,
numbers that float32 can hold, true, false and null."""

import errno
import json
import os
import stat
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

import yaml

from base.errors import UserError

#: Of a file, of YAML (which takes ten seconds a MiB to read), and of a number's text.
MOST_BYTES, _MOST_YAML, _MOST_DIGITS = 64 << 20, 1 << 20, 400
#: How deep values may lie inside each other.
_MOST_DEPTH = 64
#: The largest number of float32, in which networks compute.
_LARGEST = 3.4028234663852886e38


def open_plain(path: Path) -> BinaryIO:
    """A file open to be read; OSError for one that cannot be, or for which one might wait."""
    mode = Path(path).stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError(errno.EINVAL, "is a pipe or a device, no file", str(path))
    return Path(path).open("rb")


def read_bounded(path: Path, most: int = MOST_BYTES) -> bytes:
    """Content of a file, as :func:`open_plain`; OSError for one of more than ``most`` bytes too."""
    with open_plain(path) as file:
        if os.fstat(file.fileno()).st_size > most:
            raise OSError(errno.EFBIG, f"is larger than {most / 2**20:g} MiB", str(path))
        return file.read()


def decode_text(data: bytes) -> str:
    """The text of a file in UTF-8 or UTF-16; UnicodeDecodeError for one that is neither."""
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    if b"\0" in data and not wide:
        raise UnicodeDecodeError("utf-8", data, 0, 1, "holds a byte 0")
    return data.decode("utf-16" if wide else "utf-8-sig")


def parse_json(data: bytes | str, finite: bool = True) -> Any:
    """The values of a JSON document; UserError, without a file's name, for what is none, is nested
    too deeply or (with ``finite``) has a number that float32 does not hold."""
    try:
        text = data if isinstance(data, str) else decode_text(data)
        value = json.loads(text)
    except RecursionError:
        raise UserError("nested too deeply") from None
    except ValueError as error:
        line = f" in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise UserError(f"not valid JSON{line}") from None
    _check(value, len(text), finite)
    return value


def parse_yaml(
    data: bytes | str, finite: bool = True, loader: type[yaml.SafeLoader] | None = None
) -> list[Any]:
    """The values of each document in a YAML file, as :func:`parse_json`; aliases may not multiply
    them beyond the number of its characters."""
    if len(data) > _MOST_YAML:
        raise UserError(f"larger than {_MOST_YAML >> 20} MiB, which no YAML of ours is")
    try:
        text = data if isinstance(data, str) else decode_text(data)
        documents = list(yaml.load_all(text, loader or PlainLoader))
    except UnicodeDecodeError:
        raise UserError("not a text in UTF-8 or UTF-16") from None
    except RecursionError:
        raise UserError("nested too deeply") from None
    except (yaml.YAMLError, ValueError, LookupError) as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        line = f" in line {mark.line + 1}" if mark else ""
        raise UserError(f"not valid YAML{line}: {problem or 'a value that cannot be'}") from None
    _check(documents, len(text) + 2, finite)
    return documents


def read_document(path: Path, what: str = "") -> Any:
    """The content of a JSON file, or with another suffix the one document of a YAML file; UserError
    beginning with ``what``, by default the path, for a file that cannot be read."""
    try:
        data = read_bounded(path)
        if Path(path).suffix.lower() == ".json":
            return parse_json(data)
        documents = parse_yaml(data)
        if len(documents) > 1:
            raise UserError(f"holds {len(documents)} documents")
        return documents[0] if documents else None
    except (OSError, UserError) as error:
        fault = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"{what or path}: {fault}") from None


def _check(value: Any, most: int, finite: bool) -> None:
    """UserError for values nested too deeply, more than ``most``, or numbers beyond float32."""
    level, count = [value], 0
    for _ in range(_MOST_DEPTH):
        count += len(level)
        for each in level if finite else ():
            if isinstance(each, int | float) and not abs(each) <= _LARGEST:
                raise UserError(f"the number {str(each)[:20]} is not finite, or too large")
        children = (
            chain(each, each.values()) if isinstance(each, dict) else each
            for each in level
            if isinstance(each, dict | list)
        )
        level = list(islice(chain.from_iterable(children), most - count + 1))
        if count + len(level) > most:
            raise UserError("repeats its own parts without end")
        if not level:
            return
    raise UserError("nested too deeply")


_TAG = "tag:yaml.org,2002:"


def _fault(node: yaml.Node, problem: str) -> yaml.YAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


class PlainLoader(yaml.SafeLoader):
    """YAML's plain values; dates are texts, and neither binary data nor sets are read."""

    yaml_constructors = {
        None: yaml.SafeLoader.construct_undefined,
        f"{_TAG}timestamp": yaml.SafeLoader.construct_yaml_str,
    } | {
        f"{_TAG}{kind}": yaml.SafeLoader.yaml_constructors[f"{_TAG}{kind}"]
        for kind in ("null", "bool", "int", "float", "str", "seq", "map")
    }

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Refuses merge keys, which multiply: ``<<: [*a, *a]``; and a key that is there twice."""
        seen = set()
        for key, _ in node.value:
            if (text := (key.tag, str(key.value))) in seen:
                raise _fault(key, f"the key {key.value!r:.80} for the second time")
            seen.add(text)
            if key.tag == f"{_TAG}merge":
                raise _fault(node, "merge keys (<<) are not supported")

    def construct_scalar(self, node: yaml.Node) -> str:
        """Bounds the digits of numbers."""
        if node.tag != f"{_TAG}str" and len(str(node.value)) > _MOST_DIGITS:
            raise _fault(node, f"a number of {len(str(node.value))} characters")
        return super().construct_scalar(node)
