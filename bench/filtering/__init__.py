"""Generated images of low quality are left out: by a judge of single images, and what that costs in variety."""
