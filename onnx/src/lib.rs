//! ONNX graphs with gatewise's recurrent operators.
