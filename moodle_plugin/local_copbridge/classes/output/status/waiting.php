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

namespace local_copbridge\output\status;

use core\task\manager;
use local_copbridge\local\identity;
use local_copbridge\local\outbox;
use local_copbridge\local\result;
use local_copbridge\local\settings;
use local_copbridge\task\send;

/**
 * What waits to be sent, and whether it is going to be.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class waiting {
    /** @var int seconds without cron after which something is wrong: it should run each minute */
    private const SILENCE = 600;

    /** @var int seconds that an event may wait before the page speaks of it */
    private const LATE = 900;

    /**
     * What the template needs.
     *
     * @return array
     */
    public function data(): array {
        $oldest = outbox::oldest();
        $failures = (int) settings::get('failures');
        $facts = [
            self::fact('delivered', times::ago((int) settings::get('lastdelivery'))),
            self::fact('waiting', (string) outbox::waiting()),
        ];
        if ($oldest !== null) {
            $facts[] = self::fact('oldest', times::ago($oldest));
        }
        if ($failures) {
            $facts[] = self::fact('failures', (string) $failures, self::last_error());
            $facts[] = self::fact('retry', self::retry());
        }
        $facts[] = self::count('unwritten', 'outboxfailures');
        $facts[] = self::count('dropped', 'dropped');
        $facts[] = self::fact('cron', times::ago(self::last_cron()));
        return ['facts' => $facts];
    }

    /**
     * What keeps events from being sent.
     *
     * @return array[] text and link of each
     */
    public function problems(): array {
        $found = [];
        if (self::last_cron() < times::now() - self::SILENCE) {
            $found[] = [
                'text' => get_string('admin_need_cron', 'local_copbridge', times::ago(self::last_cron())),
                'link' => ['url' => get_docs_url('Cron'), 'text' => get_string('admin_link_cron', 'local_copbridge')],
            ];
        }
        $task = manager::get_scheduled_task(send::class);
        if (!$task || $task->get_disabled()) {
            $url = new \moodle_url('/admin/tool/task/scheduledtasks.php');
            $found[] = [
                'text' => get_string('admin_need_task', 'local_copbridge'),
                'link' => ['url' => $url->out(false), 'text' => get_string('admin_link_tasks', 'local_copbridge')],
            ];
        }
        if (!settings::configured() || !identity::confirmed()) {
            return $found;
        }
        $oldest = outbox::oldest();
        if ((int) settings::get('failures') > 0) {
            $text = get_string('admin_need_delivery', 'local_copbridge');
            $found[] = ['text' => $text, 'html' => self::last_error(), 'link' => false];
        } else if (!$found && $oldest !== null && $oldest < times::now() - self::LATE) {
            $found[] = ['text' => get_string('admin_need_late', 'local_copbridge'), 'link' => false];
        }
        return $found;
    }

    /**
     * When cron started last.
     *
     * @return int
     */
    private static function last_cron(): int {
        return (int) get_config('tool_task', 'lastcronstart');
    }

    /**
     * What went wrong last, and what to do.
     *
     * @return string HTML
     */
    private static function last_error(): string {
        global $DB;
        $code = settings::get('lasterror');
        if ($code === '') {
            return '';
        }
        $rows = $DB->get_records('local_copbridge_delivery', ['outcome' => $code], 'id DESC', 'id, httpstatus, detail', 0, 1);
        $row = reset($rows);
        $result = new result($code, (int) ($row->httpstatus ?? 0), (string) ($row->detail ?? ''));
        return advice::sentence($result);
    }

    /**
     * When it is tried again.
     *
     * @return string
     */
    private static function retry(): string {
        $at = (int) settings::get('retryat');
        $wait = $at - times::now();
        return $wait > 0
            ? get_string('admin_retry_in', 'local_copbridge', format_time($wait))
            : get_string('admin_retry_next', 'local_copbridge');
    }

    /**
     * A number that should be zero, and what it means if it isn't.
     *
     * @param string $key
     * @param string $setting
     * @return string[]
     */
    private static function count(string $key, string $setting): array {
        $count = (int) settings::get($setting);
        return self::fact($key, (string) $count, $count ? get_string("admin_why_$key", 'local_copbridge') : '');
    }

    /**
     * One line.
     *
     * @param string $key
     * @param string $value plain text
     * @param string $html what is added to it
     * @return string[]
     */
    private static function fact(string $key, string $value, string $html = ''): array {
        return ['name' => get_string("admin_fact_$key", 'local_copbridge'), 'value' => $value, 'html' => $html];
    }
}
