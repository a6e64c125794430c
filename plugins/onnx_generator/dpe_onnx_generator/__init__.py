"""Generator ``onnx`` for dpe_toolkit: networks in ONNX files."""
