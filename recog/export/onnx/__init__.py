"""ONNX programs of artifacts: graphs written node by node from the exported parameters.

`recog.export.onnx.emit` assembles a program, `recog.export.onnx.parity` compares it with the StableHLO program, and
`recog.export.onnx.write` adds it to an artifact. There is a module for each architecture.

Rules that importers (onnxruntime, OpenVINO, TensorRT) need are kept in one place each: padding of recurrent layers in
`recog.export.onnx.recurrent`, the best path without a scatter in `recog.export.onnx.best_path`.
"""
