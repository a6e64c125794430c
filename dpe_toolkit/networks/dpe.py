"""The whole generator side in one container, with the released weights' names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from torch import Tensor, nn

from dpe_toolkit.networks.encoder import Encoder
from dpe_toolkit.networks.generator import Generator
from dpe_toolkit.networks.motion import AffineMap, Direction, fold_linear_stack, motion_head, motion_mlp
from dpe_toolkit.networks.params import NetworkParams

__all__ = ["Branch", "DpeNetwork"]

Branch: TypeAlias = Literal["pose", "exp"]
"""One of the two branches, by the name it has in the weights; which of them edits the expression is
a fact of each checkpoint."""


class DpeNetwork(nn.Module):
    """Encoder, motion path and both generators; its state has exactly the released ``gen`` keys.

    Shape: source and driver (N, 3, S, S) in about [-1, 1] -> (N, 3, S, S), unclamped.

    Source: DPE (CVPR 2023), section 3.2 (motion editing module) and 3.3 (pose and expression generators).
    """

    def __init__(self, params: NetworkParams) -> None:
        super().__init__()
        self.params = params
        self.enc = Encoder(params)
        self.dec_pose = Generator(params)
        self.dec_exp = Generator(params)
        self.mlp = motion_mlp(params)
        self.dir = Direction(params)
        self.mlp_pose = motion_head(params)
        self.mlp_exp = motion_head(params)

    def encode(self, pictures: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Latent (N, K) and feature pyramid of each picture; see ``Encoder``."""
        encoded: tuple[Tensor, tuple[Tensor, ...]] = self.enc(pictures)
        return encoded

    def motion(self, latent: Tensor) -> Tensor:
        """The motion (N, K) that both heads read, of latents (N, K)."""
        motion: Tensor = self.dir(self.mlp(latent))
        return motion

    def motion_code(self, latent: Tensor, branch: Branch) -> Tensor:
        """One branch's motion code (N, K) of latents (N, K)."""
        code: Tensor = self.head(branch)(self.motion(latent))
        return code

    def generate(self, code: Tensor, features: Sequence[Tensor], branch: Branch) -> Tensor:
        """Pictures (N, 3, S, S) of edited codes (N, K) over a source's features."""
        pictures: Tensor = self.generator(branch)(code, features)
        return pictures

    def forward(self, source: Tensor, driver: Tensor, branch: Branch) -> Tensor:
        """One branch's edit of each source by its driver: ``G(E(source) + code(E(driver)), F)``."""
        latent, features = self.encode(source)
        driver_latent, _ = self.encode(driver)
        return self.generate(latent + self.motion_code(driver_latent, branch), features, branch)

    def edit_both(self, source: Tensor, driver: Tensor) -> Tensor:
        """The ``pose`` branch, then the ``exp`` branch over the re-encoded result, both by ``driver``."""
        latent, features = self.encode(source)
        driver_latent, _ = self.encode(driver)
        first = self.generate(latent + self.motion_code(driver_latent, "pose"), features, "pose")
        latent, features = self.encode(first)
        return self.generate(latent + self.motion_code(driver_latent, "exp"), features, "exp")

    def generator(self, branch: Branch) -> Generator:
        """The generator of a branch."""
        return self.dec_pose if branch == "pose" else self.dec_exp

    def head(self, branch: Branch) -> nn.Sequential:
        """The motion head of a branch."""
        return self.mlp_pose if branch == "pose" else self.mlp_exp

    def unused_parameters(self) -> frozenset[str]:
        """Names of the parameters that no forward pass reads, so that no gradient reaches them."""
        return frozenset(
            name for name, _ in self.named_parameters() if ".to_rgb1." in name or name.endswith(".noise.weight")
        )

    def fold_motion(self, branch: Branch) -> AffineMap:
        """The path from latent to motion code as one affine map, in float64 where the weights are."""
        matrix, bias = fold_linear_stack(self.mlp)
        head_matrix, head_bias = fold_linear_stack(self.head(branch))
        # In single precision, as the network computes it: the heads have learnt these very columns.
        up = head_matrix @ self.dir.basis().detach().double()
        return AffineMap(down=matrix, up=up, bias=up @ bias + head_bias)
