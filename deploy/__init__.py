"""How the product is deployed, and what is made for that by programs."""
