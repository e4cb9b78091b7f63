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

namespace local_copbridge\output;

use core\output\named_templatable;
use core\output\renderable;
use core\output\renderer_base;
use local_copbridge\local\identity;
use local_copbridge\local\settings;
use local_copbridge\local\words;

/**
 * The administrator's page: what is set, what waits, what was sent, what needs somebody.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class status_page implements named_templatable, renderable {
    /**
     * The page, with a place in each of its lists.
     *
     * @param int $letters
     * @param int $courses
     * @param int $deliveries
     */
    public function __construct(
        /** @var int page of the events that were given up, from 0 */
        private readonly int $letters = 0,
        /** @var int page of the courses, from 0 */
        private readonly int $courses = 0,
        /** @var int page of what was sent, from 0 */
        private readonly int $deliveries = 0,
    ) {
    }

    #[\Override]
    public function get_template_name(renderer_base $renderer): string {
        return 'local_copbridge/status';
    }

    /**
     * What the template needs.
     *
     * @param renderer_base $output
     * @return array
     */
    public function export_for_template(renderer_base $output): array {
        $url = new \moodle_url('/local/copbridge/status.php');
        $courses = new status\courses($this->courses, $url);
        $connection = new status\connection($courses->count());
        $waiting = new status\waiting();
        $account = new status\account();
        $letters = new status\letters($this->letters, $url);
        $problems = [...$connection->problems(), ...$waiting->problems()];
        foreach ($account->problems() as $text) {
            $problems[] = self::problem($text, 'account');
        }
        if ($letters->count) {
            $problems[] = self::problem(words::counted('admin_need_letters', $letters->count), 'letters');
        }
        return [
            'action' => $url->out(false),
            'sesskey' => sesskey(),
            'identity' => identity::confirmed() ? false : self::identity(),
            'problems' => $problems,
            'hasproblems' => (bool) $problems,
            'good' => !$problems && identity::confirmed(),
            'connection' => $connection->data(),
            'waiting' => $waiting->data(),
            'account' => $account->data(),
            'letters' => $letters->data($output),
            'courses' => $courses->data($output),
            'deliveries' => (new status\sent($this->deliveries, $url))->data($output),
        ];
    }

    /**
     * The question which site this is.
     *
     * @return array
     */
    private static function identity(): array {
        global $CFG;
        return ['before' => settings::get('wwwroot'), 'now' => $CFG->wwwroot];
    }

    /**
     * Something that needs somebody, told of further down.
     *
     * @param string $text
     * @param string $part
     * @return array
     */
    private static function problem(string $text, string $part): array {
        $link = ['url' => "#local_copbridge-$part", 'text' => get_string("admin_link_$part", 'local_copbridge')];
        return ['text' => $text, 'link' => $link];
    }
}
