print("a child", flush=True)
