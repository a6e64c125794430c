"""A deliberately plain DPE: nothing cached, nothing folded, fp32, batch 1, contiguous.

Each call rescales the weights it uses, each blur runs through zero insertion and a single-channel
convolution, each edit encodes both pictures. Written over a plain state dictionary, so that it
shares no line with the route it is compared to.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["PlainDpe"]


def _resample(x: Tensor, kernel: Tensor, *, up: int = 1, pad: tuple[int, int] = (0, 0)) -> Tensor:
    """Zeros between the pixels, zeros around, one kernel over every channel."""
    n, c, h, w = x.shape
    spread = x.new_zeros(n, c, h, up, w, up)
    spread[:, :, :, 0, :, 0] = x
    padded = F.pad(spread.view(n, c, h * up, w * up), (pad[0], pad[1], pad[0], pad[1]))
    single = padded.reshape(n * c, 1, *padded.shape[2:])
    filtered = F.conv2d(single, kernel.flip(0, 1)[None, None])
    return filtered.view(n, c, *filtered.shape[2:])


def _activate(x: Tensor, bias: Tensor) -> Tensor:
    return F.leaky_relu(x + bias, 0.2) * math.sqrt(2)


class PlainDpe:
    """One edit at a time over a state of the released layout.

    Args:
        state: tensors of the released ``gen`` keys.
    """

    def __init__(self, state: dict[str, Tensor]) -> None:
        self.state = {key: value.float().contiguous() for key, value in state.items()}
        self.num_blocks = sum(key.startswith("enc.") and key.endswith("skip.1.weight") for key in state)

    def edit(self, source: Tensor, driver: Tensor, branch: str = "pose") -> Tensor:
        """One branch's edit, (1, 3, S, S) in about [-1, 1], of one source by one driver."""
        latent, features = self.encode(source)
        driver_latent, _ = self.encode(driver)
        code = latent + self._head(self._motion(driver_latent), branch)
        return self.generate(code, features, f"dec_{branch}")

    def encode(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Latent and feature pyramid, coarsest first."""
        s = self.state
        x = _activate(self._conv(x, "enc.net_app.convs.0.0.weight"), s["enc.net_app.convs.0.1.bias"])
        maps = [x]
        for index in range(1, self.num_blocks + 1):
            name = f"enc.net_app.convs.{index}"
            y = _activate(self._conv(x, f"{name}.conv1.0.weight", padding=1), s[f"{name}.conv1.1.bias"])
            y = _resample(y, s[f"{name}.conv2.0.kernel"], pad=(2, 2))
            y = _activate(self._conv(y, f"{name}.conv2.1.weight", stride=2), s[f"{name}.conv2.2.bias"])
            skip = _resample(x, s[f"{name}.skip.0.kernel"], pad=(1, 1))
            x = (y + self._conv(skip, f"{name}.skip.1.weight", stride=2)) / math.sqrt(2)
            maps.append(x)
        latent = self._conv(x, f"enc.net_app.convs.{self.num_blocks + 1}.weight")
        return latent.flatten(1), maps[-2::-1]

    def generate(self, code: Tensor, features: list[Tensor], name: str) -> Tensor:
        """The picture of a code over a source's features."""
        s = self.state
        x = self._styled(s[f"{name}.input.input"], code, f"{name}.conv1")
        rgb: Tensor | None = None
        raw: Tensor | None = None
        for level, feature in enumerate(features):
            x = self._styled(x, code, f"{name}.convs.{2 * level}")
            x = self._styled(x, code, f"{name}.convs.{2 * level + 1}")
            flow_name = f"{name}.to_flows.{level}"
            new = self._modulated(x, code, f"{flow_name}.conv", demodulate=False) + s[f"{flow_name}.bias"]
            raw = new if raw is None else new + _resample(raw, s[f"{flow_name}.upsample.kernel"], up=2, pad=(2, 1))
            steps = torch.linspace(-1, 1, raw.shape[-1])
            grid = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), dim=-1)[None]
            mask = torch.sigmoid(raw[:, 2:3])
            sampled = F.grid_sample(feature, torch.tanh(raw[:, :2]).permute(0, 2, 3, 1) + grid, align_corners=False)
            warped = sampled * mask
            rgb_name = f"{name}.to_rgbs.{level}"
            new = _activate(self._conv(warped, f"{rgb_name}.conv.0.weight"), s[f"{rgb_name}.conv.1.bias"])
            new = new + s[f"{rgb_name}.bias"]
            rgb = new if rgb is None else new + _resample(rgb, s[f"{rgb_name}.upsample.kernel"], up=2, pad=(2, 1))
            x = warped + x * (1 - mask)
        assert rgb is not None
        return rgb

    def _conv(self, x: Tensor, key: str, *, stride: int = 1, padding: int = 0) -> Tensor:
        weight = self.state[key]
        return F.conv2d(x, weight / math.sqrt(weight[0].numel()), stride=stride, padding=padding)

    def _linear(self, x: Tensor, key: str) -> Tensor:
        weight = self.state[f"{key}.weight"]
        return F.linear(x, weight / math.sqrt(weight.shape[1]), self.state[f"{key}.bias"])

    def _motion(self, latent: Tensor) -> Tensor:
        alpha = latent
        for index in range(5):
            alpha = self._linear(alpha, f"mlp.{index}")
        return alpha @ torch.linalg.qr(self.state["dir.weight"] + 1e-8).Q.T

    def _head(self, motion: Tensor, branch: str) -> Tensor:
        for index in range(3):
            motion = self._linear(motion, f"mlp_{branch}.{index}")
        return motion

    def _styled(self, x: Tensor, code: Tensor, name: str) -> Tensor:
        upsample = f"{name}.conv.blur.kernel" in self.state
        y = self._modulated(x, code, f"{name}.conv", upsample=upsample)
        return _activate(y, self.state[f"{name}.activate.bias"])

    def _modulated(
        self, x: Tensor, code: Tensor, name: str, *, demodulate: bool = True, upsample: bool = False
    ) -> Tensor:
        weight = self.state[f"{name}.weight"][0]
        style = self._linear(code, f"{name}.modulation")
        weight = weight / math.sqrt(weight[0].numel()) * style.view(1, -1, 1, 1)
        if demodulate:
            weight = weight * torch.rsqrt(weight.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8)
        if not upsample:
            return F.conv2d(x, weight, padding=weight.shape[-1] // 2)
        y = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
        return _resample(y, self.state[f"{name}.blur.kernel"], pad=(1, 1))
