// The source file that a target with nothing but a precompiled header needs.
