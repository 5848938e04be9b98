"""满意度: surveys after a visit, scores, reports. Comes later; nothing is here yet."""
