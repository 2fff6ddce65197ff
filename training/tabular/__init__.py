"""Tables as numbers, and the columns of texts, pictures and sounds in them."""
