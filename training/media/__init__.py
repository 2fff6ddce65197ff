"""Pictures and sounds: decoding, changing, drawing into them, and the boxes and places in them."""
