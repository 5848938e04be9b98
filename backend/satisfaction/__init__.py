"""满意度: surveys after a visit and their answers. What is published of them comes later."""
