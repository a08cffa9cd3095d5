"""Taking a part out of an ONNX model, on its bytes and without the `onnx` library. Pure.

A model is cut at tensors: the part that makes the asked outputs from the asked inputs, with the weights that it needs,
is a model again. Only the fields of `onnx.proto3` that a cut touches are read (their numbers stand below); everything
else is copied as it is. Weights are views into the given bytes until the result is put together.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

_MODEL_GRAPH = 7
_GRAPH_NODE, _GRAPH_NAME, _GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_OUTPUT, _GRAPH_VALUE = 1, 2, 5, 11, 12, 13
_NODE_INPUT, _NODE_OUTPUT, _NODE_ATTRIBUTE = 1, 2, 5
_ATTRIBUTE_GRAPHS = (6, 11)
_TENSOR_NAME = 8
_VALUE_NAME = 1

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

Field: TypeAlias = tuple[int, memoryview, memoryview]
"""Its number, its payload (empty unless length-delimited), and all of it."""


class CannotCut(Exception):
    """The model is none, or the outputs cannot be made from those inputs."""


@dataclass(frozen=True, slots=True)
class _Node:
    raw: memoryview
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """A model, taken apart. `values` are the declarations of inputs, outputs and tensors between."""

    rest: tuple[memoryview, ...]
    nodes: tuple[_Node, ...]
    weights: Mapping[str, memoryview]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    values: Mapping[str, memoryview]

    def inputs_of(self, tensor: str) -> tuple[str, ...]:
        """What the node that makes `tensor` reads; nothing when there is none."""
        return next((node.inputs for node in self.nodes if tensor in node.outputs), ())


def parse(model: bytes) -> Graph:
    """Take a model apart.

    Raises:
        CannotCut: It is no ONNX model.
    """
    rest: list[memoryview] = []
    nodes: list[_Node] = []
    weights: dict[str, memoryview] = {}
    declared: dict[int, dict[str, memoryview]] = {_GRAPH_INPUT: {}, _GRAPH_OUTPUT: {}, _GRAPH_VALUE: {}}
    try:
        for number, graph, raw in _fields(memoryview(model)):
            if number != _MODEL_GRAPH:
                rest.append(raw)
                continue
            for part, payload, raw_part in _fields(graph):
                if part == _GRAPH_NODE:
                    nodes.append(_Node(raw_part, tuple(_reads(payload)), tuple(_names(payload, _NODE_OUTPUT))))
                elif part == _GRAPH_INITIALIZER:
                    weights[next(_names(payload, _TENSOR_NAME))] = raw_part
                elif part in declared:
                    declared[part][next(_names(payload, _VALUE_NAME))] = payload
    except (IndexError, RuntimeError, StopIteration, ValueError) as error:
        raise CannotCut("no ONNX model") from error
    inputs = tuple(name for name in declared[_GRAPH_INPUT] if name not in weights)
    values = declared[_GRAPH_VALUE] | declared[_GRAPH_INPUT] | declared[_GRAPH_OUTPUT]
    return Graph(tuple(rest), tuple(nodes), weights, inputs, tuple(declared[_GRAPH_OUTPUT]), values)


def cut(graph: Graph, inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
    """The model that makes `outputs` from `inputs`, in these orders.

    Raises:
        CannotCut: It takes other inputs as well, or one of these is not declared in the model.
    """
    wanted = set(outputs)
    given = set(inputs)
    nodes: list[_Node] = []
    for node in reversed(graph.nodes):  # they are in topological order
        if not wanted.isdisjoint(node.outputs) and given.isdisjoint(node.outputs):
            nodes.append(node)
            wanted.update(node.inputs)
    made = {name for node in nodes for name in node.outputs}
    missing = wanted - made - given - graph.weights.keys() - {""}
    undeclared = given - graph.values.keys()
    if missing or undeclared:
        raise CannotCut(f"not in the cut: {', '.join(sorted(missing | undeclared))}")
    parts: list[bytes | memoryview] = [node.raw for node in reversed(nodes)]
    parts += _field(_GRAPH_NAME, (b"cut",))
    for name in graph.weights.keys() & wanted:
        parts.append(graph.weights[name])
    for name in inputs:
        parts += _field(_GRAPH_INPUT, (graph.values[name],))
    for name in outputs:
        value = graph.values.get(name) or b"".join(_field(_VALUE_NAME, (name.encode(),)))
        parts += _field(_GRAPH_OUTPUT, (value,))
    return b"".join((*graph.rest, *_field(_MODEL_GRAPH, parts)))


def _reads(node: memoryview) -> Iterator[str]:
    """The names that a node reads, its branches and loop bodies included."""
    for number, payload, _ in _fields(node):
        if number == _NODE_INPUT:
            yield str(payload, "utf-8")
        elif number == _NODE_ATTRIBUTE:
            for part, body, _ in _fields(payload):
                if part in _ATTRIBUTE_GRAPHS:
                    yield from _free(body)


def _free(body: memoryview) -> Iterator[str]:
    """The names that a nested graph takes from outside."""
    own: set[str] = set()
    reads: list[str] = []
    for number, payload, _ in _fields(body):
        if number == _GRAPH_NODE:
            reads += _reads(payload)
            own.update(_names(payload, _NODE_OUTPUT))
        elif number in (_GRAPH_INPUT, _GRAPH_OUTPUT):
            name = next(_names(payload, _VALUE_NAME))
            own.update((name,) if number == _GRAPH_INPUT else ())
            reads += (name,) if number == _GRAPH_OUTPUT else ()
        elif number == _GRAPH_INITIALIZER:
            own.add(next(_names(payload, _TENSOR_NAME)))
    return (name for name in reads if name not in own)


def _names(message: memoryview, field: int) -> Iterator[str]:
    return (str(payload, "utf-8") for number, payload, _ in _fields(message) if number == field)


def _fields(message: memoryview) -> Iterator[Field]:
    position = 0
    while position < len(message):
        start = position
        key, position = _varint(message, position)
        number, wire = key >> 3, key & 7
        begin = position
        if wire == _BYTES:
            length, begin = _varint(message, position)
            position = begin + length
        elif wire == _VARINT:
            _, position = _varint(message, position)
        elif wire in (_FIXED32, _FIXED64):
            position += 4 if wire == _FIXED32 else 8
        else:
            raise ValueError("a wire type that protobuf does not have")
        if position > len(message):
            raise ValueError("it ends in the middle of a field")
        yield number, message[begin:position] if wire == _BYTES else message[:0], message[start:position]


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while (byte := message[position]) >= 0x80:  # noqa: PLR2004 - the bit that says there is more
        value |= (byte & 0x7F) << shift
        shift += 7
        position += 1
    return value | byte << shift, position + 1


def _field(number: int, parts: Iterable[bytes | memoryview]) -> list[bytes | memoryview]:
    """A length-delimited field of these parts."""
    body = list(parts)
    length = sum(len(part) for part in body)
    head = bytearray((number << 3 | _BYTES,))
    while length >= 0x80:  # noqa: PLR2004 - as above
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return [bytes(head), *body]
