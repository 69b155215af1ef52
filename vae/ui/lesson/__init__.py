"""The lesson on its page, and as a bar over every page that a tour or an exercise leads to."""
