"""What lists show: per kind of object its columns and how a row is made of the API's answer."""
