"""门诊: the day itself: check-in, the queue, calling, walk-ins, who did not come."""
