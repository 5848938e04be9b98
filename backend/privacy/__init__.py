"""个人信息: who read it, all that is kept, and forgetting it, as the person concerned may ask."""
