"""申诉: what counts against a patient can be questioned, and is excused where it was not theirs."""
