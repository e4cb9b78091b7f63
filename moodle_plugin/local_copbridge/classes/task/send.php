<?php
// This file is part of Moodle - http://moodle.org/
//
// Moodle is free software: you can redistribute it and/or modify
// it under the terms of the GNU General Public License as published by
// the Free Software Foundation, either version 3 of the License, or
// (at your option) any later version.
//
// Moodle is distributed in the hope that it will be useful,
// but WITHOUT ANY WARRANTY; without even the implied warranty of
// MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
// GNU General Public License for more details.
//
// You should have received a copy of the GNU General Public License
// along with Moodle.  If not, see <http://www.gnu.org/licenses/>.

namespace local_copbridge\task;

use core\local\cli\shutdown;
use core\task\manager;
use core\task\scheduled_task;
use local_copbridge\local\outbox;
use local_copbridge\local\result;
use local_copbridge\local\sender;
use local_copbridge\local\settings;

/**
 * Sends what waits; each minute, and where cron is kept alive, as soon as something waits.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class send extends scheduled_task {
    /** @var int seconds after its start that it stays */
    private const STAYS = 55;

    /** @var int seconds between two looks */
    private const PAUSE = 2;

    #[\Override]
    public function get_name(): string {
        return get_string('task_send', 'local_copbridge');
    }

    #[\Override]
    public function execute(): void {
        $start = time();
        $sender = new sender();
        $result = $sender->run($start + self::STAYS);
        if ($result->outcome === result::IDLE) {
            $result = $sender->heartbeat();
        }
        while (self::stays($start)) {
            sleep(self::PAUSE);
            if (outbox::any()) {
                $last = $sender->run($start + self::STAYS);
                // That it is still waiting is no news.
                $result = $last->outcome === 'backing_off' ? $result : $last;
            }
        }
        mtrace("CoP Bridge: $result->outcome" . ($result->status ? " ($result->status)" : '') . ', events settled: '
            . $sender->settled());
    }

    /**
     * Whether to wait for more. Not where cron has a single runner: everybody else would wait, too.
     *
     * @param int $start when the task began
     * @return bool
     */
    private static function stays(int $start): bool {
        global $CFG;
        return time() < $start + self::STAYS - self::PAUSE
            && settings::get('atonce') !== '0'
            && settings::configured()
            && (int) ($CFG->cron_keepalive ?? \core\cron::DEFAULT_MAIN_PROCESS_KEEPALIVE) > 0
            && (int) ($CFG->task_scheduled_concurrency_limit ?? 3) > 1
            && !shutdown::should_gracefully_exit()
            && !file_exists("$CFG->dataroot/climaintenance.html")
            && !manager::static_caches_cleared_since($start);
    }
}
