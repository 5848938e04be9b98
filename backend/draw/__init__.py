"""摇号: scarce schedules are drawn by lot; anybody can check the result."""
