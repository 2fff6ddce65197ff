"""What language models learn from and say: conversations, windows of a text, counted groups, answers and surprise."""
