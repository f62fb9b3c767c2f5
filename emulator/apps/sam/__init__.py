"""The secure access module 安全存取模块 (PSAM) of a terminal: keys of many cards at their upper level, and what it computes with them."""
