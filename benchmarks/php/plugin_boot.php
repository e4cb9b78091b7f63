<?php
// Boots the Moodle of --dir as its administrator, for the benchmarks of the companion plugin. See $given.
define('CLI_SCRIPT', true);
$given = [];
foreach (array_slice($argv, 1) as $argument) {
    if (!preg_match('/^--([a-z]+)=(.*)$/s', $argument, $match)) {
        fwrite(STDERR, "not --name=value: $argument\n");
        exit(2);
    }
    $given[$match[1]] = $match[2];
}
require($given['dir'] . '/config.php');
global $CFG, $DB, $USER;
\core\session\manager::set_user(get_admin());

use local_copbridge\local\identity;

/** What of the plugin's settings the benchmarks change. */
const BENCH_SETTINGS = [
    'scope', 'endpoint', 'secret', 'secret2', 'retryat', 'failures', 'lasterror', 'lastdelivery', 'outboxfailures', 'tidiedat',
];

/** The settings as they are. */
function bench_settings(): array {
    if (!identity::confirmed()) {
        throw new Exception('the plugin takes this site for a copy: local/copbridge/status.php');
    }
    $config = (array) get_config('local_copbridge');
    return array_map(fn($name) => $config[$name] ?? null, array_combine(BENCH_SETTINGS, BENCH_SETTINGS));
}

/** Puts settings back. */
function bench_restore(array $settings): void {
    foreach ($settings as $name => $value) {
        $value === null ? unset_config($name, 'local_copbridge') : set_config($name, $value, 'local_copbridge');
    }
}

/** Does what the lines of standard input say, and answers each with a line of JSON, until there are no more. */
function bench_talk(array $deeds): void {
    while (($line = fgets(STDIN)) !== false) {
        [$deed, $argument] = explode(' ', trim($line), 2) + ['', ''];
        try {
            $answer = $deeds[$deed]($argument);
        } catch (Throwable $e) {
            $answer = ['error' => $e->getMessage()];
        }
        fwrite(STDOUT, json_encode($answer) . "\n");
    }
}
