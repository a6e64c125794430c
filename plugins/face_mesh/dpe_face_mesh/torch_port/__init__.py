"""The bundle's networks in torch, so that gradients flow from what they say to the pixels."""

from __future__ import annotations

from dpe_face_mesh.torch_port.graph import Graph, Operation, read_graph
from dpe_face_mesh.torch_port.network import PortedNetwork, port_network

__all__ = ["Graph", "Operation", "PortedNetwork", "port_network", "read_graph"]
