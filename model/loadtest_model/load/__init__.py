"""How much load there is, and when: scenarios, users over time, arrivals."""
