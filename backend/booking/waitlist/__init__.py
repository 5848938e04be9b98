"""候补: whoever waits for a place gets what is returned, in the order in which they came."""
