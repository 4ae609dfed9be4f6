"""Door 2, pages: server-rendered, one small stylesheet, no build step, and no act that needs a script."""
