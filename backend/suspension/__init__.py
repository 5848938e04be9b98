"""停诊: schedules are stopped in one action, and nobody who was booked is dropped."""
