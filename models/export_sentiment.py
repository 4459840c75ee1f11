"""From trained network to the ONNX file that is shipped: int8 weights, fixed activation ranges.

Ranges are fixed from calibration texts and not taken from each batch, so that a text's score does not depend on
which texts share its batch: with ranges by batch one text in forty changed its label. Weights are 7 bits wide, as
8 x 8 bit products saturate on processors without VNNI.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor, nn

from models.sentiment_network import SentimentNetwork

MAX_TOKENS = 96
"""Texts are cut to this at run time; 99.9% of messages to brands are shorter."""


class ServedNetwork(nn.Module):  # type: ignore[misc, unused-ignore]
    """Token ids and mask to probabilities, with the word table in int8: a scale for each word."""

    def __init__(self, network: SentimentNetwork) -> None:
        super().__init__()
        embeddings = network.encoder.embeddings
        embeddings.word_embeddings = _QuantisedWords(embeddings.word_embeddings.weight.detach())
        embeddings.position_embeddings.weight = nn.Parameter(
            embeddings.position_embeddings.weight[:MAX_TOKENS].detach().clone()
        )
        self.network = network

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return torch.softmax(self.network(input_ids, attention_mask), dim=-1)


class _QuantisedWords(nn.Module):  # type: ignore[misc, unused-ignore]
    def __init__(self, table: Tensor) -> None:
        super().__init__()
        scale = table.abs().amax(dim=1, keepdim=True).clamp(min=1e-8) / 127
        self.register_buffer("words", torch.round(table / scale).to(torch.int8))
        self.register_buffer("scale", scale)

    def forward(self, input_ids: Tensor) -> Tensor:
        words, scale = cast(Tensor, self.words), cast(Tensor, self.scale)
        return words[input_ids].float() * scale[input_ids]


def export_float(network: SentimentNetwork, file: Path) -> None:
    """Write the network as ONNX with float32 arithmetic: input_ids, attention_mask -> probabilities."""
    token_ids, mask = torch.full((2, 16), 101), torch.ones(2, 16, dtype=torch.long)
    shape = {0: "batch", 1: "tokens"}
    torch.onnx.export(
        ServedNetwork(network).eval(),
        (token_ids, mask),
        str(file),
        input_names=["input_ids", "attention_mask"],
        output_names=["probabilities"],
        dynamic_shapes={"input_ids": shape, "attention_mask": shape},
        opset_version=20,
        dynamo=True,
        external_data=False,
        verbose=False,
    )


def quantise(float_file: Path, int8_file: Path, calibration: Sequence[list[int]]) -> None:
    """Write `int8_file`: matrix products in int8 by channel, activation ranges from the `calibration` tokens."""
    with TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(str(float_file), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(int8_file),
            _Calibration(calibration),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"MatMulConstBOnly": True, "OpTypesToExcludeOutputQuantization": ["MatMul"]},
        )


class _Calibration(CalibrationDataReader):  # type: ignore[misc, unused-ignore]
    """Feeds one text at a time: no padding, so that no padded position widens a range."""

    def __init__(self, tokens: Sequence[list[int]]) -> None:
        self._rest: Iterator[list[int]] = iter(tokens)

    def get_next(self) -> dict[str, NDArray[np.int64]] | None:
        ids = next(self._rest, None)
        if ids is None:
            return None
        token_ids = np.array([ids], dtype=np.int64)
        return {"input_ids": token_ids, "attention_mask": np.ones_like(token_ids)}
