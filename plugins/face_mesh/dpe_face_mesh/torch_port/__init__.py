"""The bundle's networks in torch, so that gradients flow from what they say to the pixels."""

from __future__ import annotations

from dpe_face_mesh.torch_port.graph import Graph, Operation, read_graph
from dpe_face_mesh.torch_port.network import NetworkName, PortedNetwork, bundled_graph, port_network

__all__ = ["Graph", "NetworkName", "Operation", "PortedNetwork", "bundled_graph", "port_network", "read_graph"]
