"""Write MiniLM's graph by hand: no tracer, so the same bytes come out with any version of torch or none.

The tensors of ``model.safetensors`` become an ONNX graph of standard operators (opset 17) with mean
pooling and, if asked, normalising inside. With ``int8=True`` every matrix is kept as int8 with one
float scale per output column (embedding tables: per row), and all arithmetic stays float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

LAYERS = 6
HEADS = 12
WIDTH = 384
OPSET = 17
IR_VERSION = 8
Floats = NDArray[np.float32]


def quantise(matrix: Floats, axis: int) -> tuple[NDArray[np.int8], Floats]:
    """Round a matrix to int8 with one scale per row (``axis=0``) or per column (``axis=1``)."""
    peak = np.abs(matrix).max(axis=1 - axis)
    scale = np.where(peak > 0, peak / 127.0, 1.0).astype(np.float32)
    spread = scale[:, None] if axis == 0 else scale[None, :]
    return np.clip(np.rint(matrix / spread), -127, 127).astype(np.int8), scale


class _Graph:
    """Collects nodes and constants; each method returns the name of what it made."""

    def __init__(self, int8: bool) -> None:
        self.int8 = int8
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def constant(self, name: str, value: NDArray[Any]) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def op(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def linear(self, x: str, weight: Floats, bias: Floats, name: str) -> str:
        """``x @ weight + bias``, the weight dequantised column by column."""
        if self.int8:
            values, scale = quantise(weight, axis=1)
            self.constant(f"{name}.int8", values)
            self.constant(f"{name}.scale", scale)
            matrix = self.op("DequantizeLinear", [f"{name}.int8", f"{name}.scale"], f"{name}.weight", axis=1)
        else:
            matrix = self.constant(f"{name}.weight", weight)
        product = self.op("MatMul", [x, matrix], f"{name}.product")
        return self.op("Add", [product, self.constant(f"{name}.bias", bias)], f"{name}.out")

    def rows(self, table: Floats, ids: str, name: str) -> str:
        """The rows of a table; only those that are looked up are ever turned into floats."""
        if not self.int8:
            return self.op("Gather", [self.constant(name, table), ids], f"{name}.rows", axis=0)
        from onnx import TensorProto

        values, scale = quantise(table, axis=0)
        raw = self.op("Gather", [self.constant(f"{name}.int8", values), ids], f"{name}.raw", axis=0)
        cast = self.op("Cast", [raw], f"{name}.cast", to=TensorProto.FLOAT)
        scales = self.constant(f"{name}.scale", scale[:, None])
        return self.op(
            "Mul", [cast, self.op("Gather", [scales, ids], f"{name}.scales", axis=0)], f"{name}.rows"
        )

    def norm(self, x: str, weights: Mapping[str, Floats], source: str, name: str) -> str:
        gain = self.constant(f"{name}.gain", weights[f"{source}.weight"])
        bias = self.constant(f"{name}.bias", weights[f"{source}.bias"])
        return self.op("LayerNormalization", [x, gain, bias], f"{name}.out", axis=-1, epsilon=1e-12)

    def gelu(self, x: str, name: str) -> str:
        erf = self.op(
            "Erf", [self.op("Div", [x, self.scalar("sqrt2", np.sqrt(2.0))], f"{name}.div")], f"{name}.erf"
        )
        gate = self.op("Add", [erf, self.scalar("one", 1.0)], f"{name}.gate")
        return self.op(
            "Mul", [self.op("Mul", [x, gate], f"{name}.gated"), self.scalar("half", 0.5)], f"{name}.out"
        )

    def scalar(self, name: str, value: float) -> str:
        if all(constant.name != name for constant in self.constants):
            self.constant(name, np.array(value, dtype=np.float32))
        return name

    def ints(self, name: str, *values: int) -> str:
        if all(constant.name != name for constant in self.constants):
            self.constant(name, np.array(values, dtype=np.int64))
        return name


def _embedding(graph: _Graph, weights: Mapping[str, Floats]) -> str:
    """Word + position + the one segment there is, normalised."""
    words = graph.rows(weights["embeddings.word_embeddings.weight"], "input_ids", "words")
    table = (
        weights["embeddings.position_embeddings.weight"]
        + weights["embeddings.token_type_embeddings.weight"][0]
    )
    length = graph.op(
        "Slice",
        [
            graph.op("Shape", ["input_ids"], "shape"),
            graph.ints("i1", 1),
            graph.ints("i2", 2),
            graph.ints("i0", 0),
        ],
        "length",
    )
    positions = graph.op(
        "Slice",
        [graph.constant("position_table", table), graph.ints("i0", 0), length, graph.ints("i0", 0)],
        "positions",
    )
    return graph.norm(
        graph.op("Add", [words, positions], "summed"), weights, "embeddings.LayerNorm", "embedded"
    )


def _layer(graph: _Graph, weights: Mapping[str, Floats], index: int, x: str, mask: str) -> str:
    source = f"encoder.layer.{index}"
    name = f"layer{index}"

    def matrix(path: str) -> tuple[Floats, Floats]:
        return weights[f"{source}.{path}.weight"].T, weights[f"{source}.{path}.bias"]

    three = [matrix(f"attention.self.{part}") for part in ("query", "key", "value")]
    scaled = np.float32(1.0 / np.sqrt(WIDTH // HEADS))
    three[0] = (three[0][0] * scaled, three[0][1] * scaled)
    weight, bias = (np.concatenate([part[i] for part in three], axis=-1) for i in (0, 1))
    fused = graph.linear(x, weight, bias, f"{name}.qkv")
    heads = graph.ints("heads", 0, 0, HEADS, WIDTH // HEADS)
    for i, part in enumerate("qkv"):
        piece = graph.op(
            "Slice",
            [
                fused,
                graph.ints(f"from{i}", i * WIDTH),
                graph.ints(f"to{i}", (i + 1) * WIDTH),
                graph.ints("i2", 2),
            ],
            f"{name}.{part}.flat",
        )
        shaped = graph.op("Reshape", [piece, heads], f"{name}.{part}.shaped")
        turn = [0, 2, 3, 1] if part == "k" else [0, 2, 1, 3]
        graph.op("Transpose", [shaped], f"{name}.{part}", perm=turn)
    raw = graph.op("MatMul", [f"{name}.q", f"{name}.k"], f"{name}.scores")
    odds = graph.op("Softmax", [graph.op("Add", [raw, mask], f"{name}.masked")], f"{name}.odds", axis=-1)
    mixed = graph.op("MatMul", [odds, f"{name}.v"], f"{name}.mixed")
    turned = graph.op("Transpose", [mixed], f"{name}.turned", perm=[0, 2, 1, 3])
    context = graph.op("Reshape", [turned, graph.ints("flat", 0, 0, WIDTH)], f"{name}.context")
    attended = graph.linear(context, *matrix("attention.output.dense"), f"{name}.attended")
    x = graph.norm(
        graph.op("Add", [attended, x], f"{name}.sum1"),
        weights,
        f"{source}.attention.output.LayerNorm",
        f"{name}.norm1",
    )
    inner = graph.gelu(graph.linear(x, *matrix("intermediate.dense"), f"{name}.inner"), f"{name}.gelu")
    outer = graph.linear(inner, *matrix("output.dense"), f"{name}.outer")
    return graph.norm(
        graph.op("Add", [outer, x], f"{name}.sum2"), weights, f"{source}.output.LayerNorm", f"{name}.norm2"
    )


def build(weights: Mapping[str, Floats], *, int8: bool, normalise: bool) -> bytes:
    """Serialise the model: inputs ``input_ids`` and ``attention_mask`` (int64), output ``embedding``.

    Args:
        weights: the tensors of ``model.safetensors``, float32.
        int8: keep matrices as int8 with scales; otherwise float32.
        normalise: end with unit rows; otherwise with the plain mean of the last layer.
    """
    from onnx import TensorProto, checker, helper

    graph = _Graph(int8)
    flags = graph.op("Cast", ["attention_mask"], "flags", to=TensorProto.FLOAT)
    absent = graph.op("Sub", [graph.scalar("one", 1.0), flags], "absent")
    penalty = graph.op("Mul", [absent, graph.scalar("never", -10000.0)], "penalty")
    mask = graph.op("Unsqueeze", [penalty, graph.ints("middle", 1, 2)], "mask")
    x = _embedding(graph, weights)
    for index in range(LAYERS):
        x = _layer(graph, weights, index, x, mask)
    present = graph.op("Unsqueeze", [flags, graph.ints("i2", 2)], "present")
    summed = graph.op(
        "ReduceSum", [graph.op("Mul", [x, present], "kept"), graph.ints("i1", 1)], "total", keepdims=0
    )
    count = graph.op("ReduceSum", [flags, graph.ints("i1", 1)], "count", keepdims=1)
    mean = graph.op("Div", [summed, graph.op("Max", [count, graph.scalar("one", 1.0)], "divisor")], "mean")
    if normalise:
        length = graph.op("ReduceL2", [mean], "norm", axes=[1], keepdims=1)
        mean = graph.op(
            "Div", [mean, graph.op("Max", [length, graph.scalar("tiny", 1e-12)], "nonzero")], "unit"
        )
    graph.op("Identity", [mean], "embedding")
    proto = helper.make_graph(
        graph.nodes,
        "minilm",
        [
            helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "length"])
            for n in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", WIDTH])],
        graph.constants,
    )
    model = helper.make_model(
        proto,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="agentmem",
    )
    checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))
