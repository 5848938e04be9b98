"""工作人员: doctors and administrators, how they log in, and for which institutions they act."""
