"""The load: virtual users and arrivals, iteration by iteration."""
