"""The stores: each a small class that says how it encodes, weighs and consolidates."""
