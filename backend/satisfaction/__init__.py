"""满意度: surveys after a visit and their answers. Nothing of them is published yet."""
