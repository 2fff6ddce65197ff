"""What the target column holds: classes, several labels, or a number."""
