# Sisimai over a folder of mails: prints a line for each in which it found a bounce.
use strict;
use warnings;
use Sisimai;

my $folder = $ARGV[0];
opendir(my $handle, $folder) or die "$folder cannot be opened: $!\n";
for my $name (sort grep { !/^\./ } readdir $handle) {
    # Newer versions call it `rise`; a mail that it cannot take does not end the run.
    my $read = Sisimai->can('rise') || Sisimai->can('make');
    my $found = eval { $read->('Sisimai', "$folder/$name") };
    next unless $found && @$found;
    print join(' ', $name, map { $_->dump('json') } @$found), "\n";
}
