"""What a client record may hold: columns, places, phone numbers, providers."""
