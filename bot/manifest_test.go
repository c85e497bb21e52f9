package bot_test

var manifestScopes, manifestEvents []string
