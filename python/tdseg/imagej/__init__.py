"""The only place that knows Java."""
