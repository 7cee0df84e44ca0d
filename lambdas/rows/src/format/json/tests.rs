mod arrays;
mod broken_values;
mod finding;
mod rows;
mod values;
mod wrapped;
