"""What players minimise: objectives, penalties, regularisers."""
