"""What a link carries: settings as text."""
