"""From ONNX graphs to mbsopt-network/1 files; scripts/import_onnx.py is its command line."""
