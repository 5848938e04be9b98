"""分诊机器人: red flags, symptoms, hand-over to a human. Comes later; nothing is here yet."""
